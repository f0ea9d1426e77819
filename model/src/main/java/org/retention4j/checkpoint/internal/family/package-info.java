/**
 * The fla and torchscale families of RetNet checkpoints: how their configurations are read and
 * their tensors are named.
 *
 * <p>For {@link org.retention4j.checkpoint} and the command alone; may change at any time.
 */
package org.retention4j.checkpoint.internal.family;
