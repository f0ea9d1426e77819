/**
 * The equivalence kit: what a user points at a form or a block of their own to learn whether it
 * computes retention (arXiv 2307.08621).
 *
 * <p>{@link org.retention4j.testkit.TensorAssert} compares two tensors within a named {@link
 * org.retention4j.testkit.Tolerance}. {@link org.retention4j.testkit.RetentionFormContract} tests
 * the core on (q, k, v, log decay, scale, state, lengths, resets), {@link
 * org.retention4j.testkit.RetentionBlockContract} the block from x to y: implement one method of
 * either in a JUnit 5 test class and inherit the suite. {@link
 * org.retention4j.testkit.RecallExperiment} measures how long a state remembers.
 *
 * <p>For users, on the test class path.
 */
package org.retention4j.testkit;
