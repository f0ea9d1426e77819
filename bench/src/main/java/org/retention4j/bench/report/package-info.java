/**
 * Rows, verdicts and what is made from them: JSON lines, Markdown and HTML.
 *
 * <p>Part of a program: nothing here is for other code.
 */
package org.retention4j.bench.report;
