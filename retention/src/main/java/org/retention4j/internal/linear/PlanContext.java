package org.retention4j.internal.linear;

import org.retention4j.internal.memory.Arena;
import org.retention4j.internal.memory.ScratchTiles;

/**
 * What a plan of products takes its memory from.
 *
 * @param owner owns what the plan needs
 * @param scratch gives what plans may share that never run side by side
 */
public record PlanContext(Arena owner, ScratchTiles scratch) {}
