/** Figures of a whole model, from its checkpoint, each held to a ceiling of the same run. */
package org.retention4j.bench.whole;
