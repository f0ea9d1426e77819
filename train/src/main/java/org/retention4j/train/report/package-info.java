/**
 * What became of a run, as a page that a browser shows.
 *
 * <p>For users.
 */
package org.retention4j.train.report;
