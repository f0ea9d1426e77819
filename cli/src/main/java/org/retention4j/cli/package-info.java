/** The retention command: one class a subcommand, exit codes 0, 1 and 2. */
package org.retention4j.cli;
