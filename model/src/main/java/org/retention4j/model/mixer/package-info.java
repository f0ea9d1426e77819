/**
 * What a token mixer is: a configuration that makes it, its weights, the state of a batch of
 * sequences, and a plan bound to tiles. A decoder stack knows this and no mixer.
 *
 * <p>For authors of mixers; may change before 1.0. A mixer is a folder beside {@code retention} and
 * {@code attention}: a {@link org.retention4j.model.mixer.MixerConfig}, the {@link
 * org.retention4j.model.mixer.TokenMixer} that it creates, a {@link
 * org.retention4j.model.mixer.MixerState} and a {@link org.retention4j.model.mixer.MixerPlan}. No
 * mixer knows another. A family of checkpoints that has it names its configuration; nothing else
 * does.
 */
package org.retention4j.model.mixer;
