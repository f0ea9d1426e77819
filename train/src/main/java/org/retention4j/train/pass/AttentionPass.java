package org.retention4j.train.pass;

final class AttentionPass implements MixerPass {
  AttentionPass(
      PassContext c,
      org.retention4j.model.mixer.attention.AttentionConfig k,
      Parameters p,
      String s,
      Ends e) {
    throw new UnsupportedOperationException();
  }

  public void forward(Segment s) {}

  public void backward(Segment s) {}
}
