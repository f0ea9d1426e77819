/**
 * Bars on the terminal while something long is done.
 *
 * <p>For the command; may change at any time.
 */
package org.retention4j.cli.bar;
