package org.retention4j.train.run;

/**
 * Why a run ended.
 *
 * @since 0.1
 */
public enum RunEnd {
  /** It took all its steps. */
  DONE,
  /** Its time was up. */
  TIME,
  /** Its thread was interrupted; it can go on. */
  CANCELLED
}
