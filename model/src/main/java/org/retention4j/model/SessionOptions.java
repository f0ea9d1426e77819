package org.retention4j.model;

import org.retention4j.args.Args;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.form.SequenceForm;
import org.retention4j.model.mixer.KvCacheOptions;
import org.retention4j.recurrent.RecurrentForm;

/**
 * How a session computes and what its caches may hold.
 *
 * @param prefill the form in which mixers take more than one token
 * @param decode the form for single tokens
 * @param bfloat16Prefill whether products of many tokens with bf16 weights round both operands to
 *     bf16: faster, and less exact; no notice is taken where {@link
 *     org.retention4j.engine.Engine#multipliesBfloat16} is false
 * @param cache limits of key/value caches
 * @since 0.1
 */
public record SessionOptions(
    SequenceForm prefill, SequenceForm decode, boolean bfloat16Prefill, KvCacheOptions cache) {
  /** Chunkwise prefill, recurrent decoding, fp32 activations. */
  public static final SessionOptions DEFAULT =
      new SessionOptions(new ChunkwiseForm(), new RecurrentForm(), false, KvCacheOptions.DEFAULT);

  /** Checks that nothing is missing. */
  public SessionOptions {
    Args.present("a form for prefill", prefill);
    Args.present("a form for decoding", decode);
    Args.present("options of caches", cache);
  }

  /** Returns the same with one form for everything. */
  public SessionOptions withForm(SequenceForm form) {
    return new SessionOptions(form, form, bfloat16Prefill, cache);
  }

  /** Returns the same with bf16 × bf16 products in prefill, or without. */
  public SessionOptions withBfloat16Prefill(boolean value) {
    return new SessionOptions(prefill, decode, value, cache);
  }

  /** Returns the same with other limits of caches. */
  public SessionOptions withCache(KvCacheOptions value) {
    return new SessionOptions(prefill, decode, bfloat16Prefill, value);
  }
}
