/**
 * What a model and its sequences will take in memory, before any of it is there: asked of those who
 * will hold it.
 *
 * <p>For users.
 */
package org.retention4j.estimate;
