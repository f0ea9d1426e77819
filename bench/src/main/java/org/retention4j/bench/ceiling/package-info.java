/**
 * What this machine can do, measured bare in the same run: the figures that rows are held to.
 *
 * <p>Part of a program: nothing here is for other code.
 */
package org.retention4j.bench.ceiling;
