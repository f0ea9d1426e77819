/**
 * Reads a tokenizer.json and refuses, by file and key, all that the native library behind {@link
 * org.retention4j.text.JsonTokenizer} does not know: it aborts the virtual machine at much of it.
 *
 * <p>Internal: only for that class.
 */
package org.retention4j.text.internal.json;
