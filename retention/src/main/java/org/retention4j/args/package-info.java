/**
 * Checks of arguments that every package makes.
 *
 * <p>For this project's modules; may change at any time.
 */
package org.retention4j.args;
