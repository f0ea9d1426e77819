/**
 * Text whose entropy is known exactly, made by a seeded grammar of small stories, so that a test of
 * training can say how good a model can become.
 *
 * <p>For this project's tests and examples; may change at any time.
 */
package org.retention4j.train.story;
