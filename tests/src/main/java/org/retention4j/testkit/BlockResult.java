package org.retention4j.testkit;

import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What a block gives back.
 *
 * @param output y (B,T,D), 0 at padded tokens
 * @param state S after each row's last token (B,H,K,V), another array than the incoming one
 * @since 0.1
 */
public record BlockResult(INDArray output, INDArray state) {}
