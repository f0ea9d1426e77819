/**
 * Taking samples and what is computed from them: statistics, formulas, allocation, machine load.
 *
 * <p>Part of a program: nothing here is for other code.
 */
package org.retention4j.bench.measure;
