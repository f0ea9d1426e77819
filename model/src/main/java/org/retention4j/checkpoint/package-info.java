/**
 * Model folders of the Hugging Face hub: a strict safetensors reader and writer, the fla and
 * torchscale families of RetNet checkpoints, NumPy files.
 */
package org.retention4j.checkpoint;
