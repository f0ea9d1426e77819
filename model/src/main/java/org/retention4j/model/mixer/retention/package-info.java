/**
 * Multi-scale retention as a token mixer: a state of fixed size, in any of its forms.
 *
 * <p>Users meet {@link org.retention4j.model.mixer.retention.RetentionMixerConfig} and {@link
 * org.retention4j.model.mixer.retention.Horizon}; the rest is for those who measure or prove.
 */
package org.retention4j.model.mixer.retention;
