/**
 * Prompts that begin alike are read once: what a model remembers of their beginnings, kept in
 * memory and in a folder, and never served to another prompt.
 *
 * <p>For users.
 */
package org.retention4j.cache;
