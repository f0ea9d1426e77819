/**
 * The virtual machine that a command deserves, and how its words and streams get there.
 *
 * <p>For the command; may change at any time.
 */
package org.retention4j.cli.jvm;
