package org.retention4j.langchain4j;

import dev.langchain4j.data.embedding.Embedding;
import dev.langchain4j.data.segment.TextSegment;
import dev.langchain4j.model.embedding.EmbeddingModel;
import dev.langchain4j.model.output.Response;
import dev.langchain4j.model.output.TokenUsage;
import java.util.Arrays;
import java.util.List;
import org.retention4j.args.Args;
import org.retention4j.model.LanguageModel;
import org.retention4j.text.Tokenizer;

/**
 * A language model as an embedding model of LangChain4j: the mean of the last layer's rows, see
 * {@link LanguageModel#embed}. May be used by many threads. Model and tokenizer stay the caller's.
 *
 * @since 0.1
 */
public final class RetentionEmbeddingModel implements EmbeddingModel {
  private final LanguageModel model;
  private final Tokenizer tokenizer;

  /** Makes one. */
  public RetentionEmbeddingModel(LanguageModel model, Tokenizer tokenizer) {
    this.model = Args.present("a model", model);
    this.tokenizer = Args.present("a tokenizer", tokenizer);
  }

  /**
   * Embeds texts.
   *
   * @throws IllegalArgumentException for a text without a token
   */
  @Override
  public Response<List<Embedding>> embedAll(List<TextSegment> texts) {
    int[][] tokens =
        texts.stream().map(text -> tokenizer.encode(text.text())).toArray(int[][]::new);
    List<Embedding> vectors = Arrays.stream(model.embed(tokens)).map(Embedding::from).toList();
    int read = Arrays.stream(tokens).mapToInt(row -> row.length).sum();
    return Response.from(vectors, new TokenUsage(read));
  }

  @Override
  public int dimension() {
    return model.config().modelWidth();
  }
}
