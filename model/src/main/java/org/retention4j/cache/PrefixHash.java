package org.retention4j.cache;

import org.retention4j.snapshot.Fingerprint;

/** A link of the hash chain over a prompt's tokens: tests put one that collides in its place. */
interface PrefixHash {
  /** SHA-256 of the hash before and the tokens behind it. */
  PrefixHash SHA_256 =
      (before, tokens, from, to) -> {
        Fingerprint.Digest digest = Fingerprint.digest().add(before);
        for (int i = from; i < to; i++) {
          digest.add(tokens[i]);
        }
        return digest.end();
      };

  /** Returns the hash of a beginning that is longer by the tokens from…to−1. */
  Fingerprint next(Fingerprint before, int[] tokens, int from, int to);
}
