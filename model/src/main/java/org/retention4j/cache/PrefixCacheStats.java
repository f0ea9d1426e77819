package org.retention4j.cache;

/**
 * What a {@link PrefixCache} has done since it was made. All are counts but the bytes.
 *
 * @param hits prompts that were there as a whole
 * @param partialHits prompts of which a beginning was there
 * @param misses prompts of which nothing was there
 * @param tokensSaved tokens of prompts that were not read again
 * @param tokensRead tokens of prompts that were read
 * @param entries beginnings in memory now
 * @param bytes of memory they hold now
 * @param evictions beginnings that left memory for others
 * @param collisions beginnings with the hash of another, which were not taken for it
 * @param diskHits hits and partial hits that came from files
 * @param diskBytes of the folder's files, when they were last counted
 * @param diskEvictions files that left the folder for others
 * @param damaged files that were not what their name says, and were taken for none
 * @param diskFailures files that could not be written, for want of room say
 * @since 0.1
 */
public record PrefixCacheStats(
    long hits,
    long partialHits,
    long misses,
    long tokensSaved,
    long tokensRead,
    long entries,
    long bytes,
    long evictions,
    long collisions,
    long diskHits,
    long diskBytes,
    long diskEvictions,
    long damaged,
    long diskFailures) {}
