/** The recurrent form of retention: one token at a time, the form for decoding. */
package org.retention4j.recurrent;
