/**
 * Checks of arguments that every package makes, and how what came is shown in a message.
 *
 * <p>For this project's modules; may change at any time.
 */
package org.retention4j.args;
