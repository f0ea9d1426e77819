/**
 * Faster decoding by guessing: what a draft says comes next is checked by one pass of the model
 * over several tokens, and what was wrong is undone exactly.
 *
 * <p>For users.
 */
package org.retention4j.draft;
