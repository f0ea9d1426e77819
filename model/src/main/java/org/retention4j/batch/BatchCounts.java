package org.retention4j.batch;

/**
 * What a batch does, and has done since it began.
 *
 * @param reading sequences whose prompts are being read
 * @param writing sequences that are continued
 * @param waiting sequences that wait for a place, with those to come for which room is kept
 * @param promptTokens tokens of prompts that were read
 * @param tokens that were chosen
 * @param steps of those who write
 * @param taken sequences that were taken in
 * @param refused sequences that were not, since too many waited
 * @since 0.1
 */
public record BatchCounts(
    int reading,
    int writing,
    int waiting,
    long promptTokens,
    long tokens,
    long steps,
    long taken,
    long refused) {}
