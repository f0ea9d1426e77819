package org.retention4j.train.pass;

import org.retention4j.core.Resets;

/**
 * What a pass is told of the tokens it runs over.
 *
 * @param group which of a step's micro-batches this is, from 0: the streams whose states go on
 * @param starts tokens inside the rows at which a sequence begins
 * @param fresh (B) whether a row begins from nothing
 * @param carry whether the states at the end are kept for the next segment of these streams
 */
public record Segment(int group, Resets starts, boolean[] fresh, boolean carry) {}
