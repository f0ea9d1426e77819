/** The measurements, one class per question, and what they measure. */
package org.retention4j.bench.suite;
