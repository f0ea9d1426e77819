/** Rows, verdicts and the files that are made from them: JSON lines, Markdown and HTML. */
package org.retention4j.bench.report;
