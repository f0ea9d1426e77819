/** What this machine can do, measured bare in the same run: the figures that rows are held to. */
package org.retention4j.bench.ceiling;
