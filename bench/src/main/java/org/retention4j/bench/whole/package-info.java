/**
 * Figures of a whole model, from its checkpoint, each held to a ceiling of the same run.
 *
 * <p>Part of a program: nothing here is for other code.
 */
package org.retention4j.bench.whole;
