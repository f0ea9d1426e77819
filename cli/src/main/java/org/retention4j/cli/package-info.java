/**
 * The retention command: one class a subcommand; exit codes 0, 1, 2 and 70.
 *
 * <p>A program, no library: nothing here is for other code.
 */
package org.retention4j.cli;
