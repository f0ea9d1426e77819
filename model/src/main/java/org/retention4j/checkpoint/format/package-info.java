/**
 * Files: safetensors read strictly, the index of shards, NumPy arrays, JSON, and files that appear
 * when they are whole. Nothing here knows a model.
 *
 * <p>For users: {@link CheckpointException}, {@link DType}, {@link SafetensorsFile}, {@link
 * TensorInfo}, {@link NpyFile} and {@link NpyWriter}. What else is public is for {@link
 * org.retention4j.checkpoint} and may change at any time.
 */
package org.retention4j.checkpoint.format;
