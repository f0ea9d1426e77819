/**
 * The measurements, one class per question, and what they measure.
 *
 * <p>Part of a program: nothing here is for other code.
 */
package org.retention4j.bench.suite;
