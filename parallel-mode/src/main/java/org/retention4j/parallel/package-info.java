/** The parallel form of retention: every token against every earlier one, in blocks of queries. */
package org.retention4j.parallel;
