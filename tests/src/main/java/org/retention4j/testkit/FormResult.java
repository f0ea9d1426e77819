package org.retention4j.testkit;

import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * What a form gives back.
 *
 * @param output o (B,T,H,V), 0 at padded tokens
 * @param state S after each row's last token (B,H,K,V), another array than the incoming one
 * @since 0.1
 */
public record FormResult(INDArray output, INDArray state) {}
