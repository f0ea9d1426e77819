/** What a model and its sequences will take in memory, before any of it is there. */
package org.retention4j.estimate;
