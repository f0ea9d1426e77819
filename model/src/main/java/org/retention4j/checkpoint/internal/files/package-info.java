/**
 * The weights of a model folder as one set of tensors: read across shards, rounded and written.
 *
 * <p>For {@link org.retention4j.checkpoint} and the command alone; may change at any time.
 */
package org.retention4j.checkpoint.internal.files;
