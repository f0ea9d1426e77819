/**
 * Reads a tokenizer.json and refuses, by file and key, all that the native library behind {@link
 * org.retention4j.text.JsonTokenizer} does not know: it aborts the virtual machine at much of it.
 *
 * <p>Only for that class: no part of the interface that users see.
 */
package org.retention4j.text.json;
