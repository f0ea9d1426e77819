/**
 * Decoder layers with a token mixer each: multi-scale retention, or softmax attention over a
 * key/value cache, under one interface, so that a comparison compares the mixers and nothing else.
 */
package org.retention4j.model;
