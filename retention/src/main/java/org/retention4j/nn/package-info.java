/**
 * What token mixers of any kind are made of: the weights they ask for and where those come from,
 * the forms in which they take a sequence, and how many of its tokens they compute at once.
 *
 * <p>For authors of mixers; may change before 1.0.
 */
package org.retention4j.nn;
