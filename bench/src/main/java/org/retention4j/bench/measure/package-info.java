/**
 * Taking samples and what is computed from them: statistics, formulas, allocation, machine load.
 */
package org.retention4j.bench.measure;
