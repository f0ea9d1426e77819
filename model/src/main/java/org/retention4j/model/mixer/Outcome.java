package org.retention4j.model.mixer;

import java.util.Optional;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What a mixer gave, or a layer around one.
 *
 * @param output one row per token
 * @param state after the last token, (B,H,K,V); empty where what is remembered grows with the
 *     length
 * @since 0.1
 */
public record Outcome(INDArray output, Optional<INDArray> state) {}
