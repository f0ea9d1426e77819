/**
 * Whole decoders: a configuration, the model with its weights, and sessions of it. Start at {@link
 * org.retention4j.model.LanguageModel}.
 *
 * <p>For users. Layers are made of a token mixer each, of which {@link org.retention4j.model.mixer}
 * knows no more than it must, so that a comparison compares the mixers and nothing else.
 */
package org.retention4j.model;
