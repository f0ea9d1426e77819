package org.retention4j.langchain4j;

import static org.assertj.core.api.Assertions.assertThat;

import dev.langchain4j.data.embedding.Embedding;
import dev.langchain4j.data.segment.TextSegment;
import dev.langchain4j.model.embedding.EmbeddingModel;
import dev.langchain4j.model.output.Response;
import dev.langchain4j.store.embedding.CosineSimilarity;
import java.util.List;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.retention4j.austen.Austen;
import org.retention4j.engine.Engine;
import org.retention4j.model.LanguageModel;

/** Vectors of the model that comes with the project, as LangChain4j sees them. */
class RetentionEmbeddingModelTest {
  @Test
  void embedsSegmentsAsTheModelDoes() {
    try (Engine engine = Engine.float32();
        LanguageModel austen = Austen.load(engine)) {
      EmbeddingModel model = new RetentionEmbeddingModel(austen, Austen.tokenizer());
      assertThat(model.dimension()).isEqualTo(austen.config().modelWidth());
      Response<List<Embedding>> response =
          model.embedAll(
              List.of(
                  TextSegment.from("He drove to London in his carriage."),
                  TextSegment.from("She drove to London in a carriage."),
                  TextSegment.from("1811. CHAPTER XXII. VOLUME THE FIRST.")));
      assertThat(response.tokenUsage().inputTokenCount()).isEqualTo(35 + 34 + 37);
      List<Embedding> all = response.content();
      assertThat(all.get(1).vector())
          .containsExactly(
              austen.embed(Austen.tokenizer().encode("She drove to London in a carriage."))[0],
              Offset.offset(1e-4f));
      assertThat(CosineSimilarity.between(all.get(0), all.get(1)))
          .isGreaterThan(CosineSimilarity.between(all.get(0), all.get(2)));
    }
  }
}
