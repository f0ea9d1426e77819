/**
 * Texts with a model: continued token by token, and scored. What turns texts into tokens and logits
 * into choices is in {@link org.retention4j.text}.
 *
 * <p>For users.
 */
package org.retention4j.generate;
