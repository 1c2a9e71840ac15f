"""The mel-spectrogram GAN of the report that began this project, as it was written and as it was meant.

    python -m trainer train --recipe report --corpus path/to/urbansound8k --option classes=street_music
    python -m trainer train --recipe report_as_written --corpus path/to/urbansound8k --option classes=street_music
    python -m trainer train --recipe report_conditional --corpus path/to/urbansound8k --option classes=street_music

As written, a sigmoid was taken for a logit, clipped gradients were thrown away and the gradient penalty stood outside
the tape; `report` has all three as they were meant. Neither converges; street does, on the same clips: docs/results.md.

report_conditional is its earlier form: a generator whose latent is joined with a spectrogram, to make variations of a
given sound. The report does not say how; here a code of 128 numbers, which an encoder makes of the spectrogram,
follows the latent's 128. Half of each batch is made with codes of clips, and held to them by
game.reconstruction_weight: more is nearer to the sound, less is more varied. It is exported with `encode`, so that
`vary` takes sounds at once. How far it gets was not measured, and a step takes long, as one of `report`: to vary
sounds, train street and then its encoder.
"""

from trainer.recipes.recipe import Recipe
from trainer.recipes.street import STREET_AUDIO
from trainer.recipes.wgan_gp import NO_AUGMENTATION
from trainer.specs.architectures import ReportSpec
from trainer.specs.game import GameSpec
from trainer.specs.representations import LogMelSpec
from trainer.specs.run import LoopSpec, RunSpec

AS_WRITTEN = GameSpec(
    objective="report_as_written",
    generator_steps=2,
    r1_weight=0.0,
    r2_weight=0.0,
    standardise=False,
    class_weight=0.0,
    penalty_every=1,
    generator_learning_rate=2e-4,
    critic_learning_rate=2e-4,
    beta_1=0.5,
    beta_2=0.999,
    real_noise=0.02,
    fake_noise=0.01,
    ema=0.0,
)
REPORT = RunSpec(
    recipe="report",
    audio=STREET_AUDIO,
    representation=LogMelSpec(n_fft=1_024, hop_samples=512, n_mels=64, size=(256, 256)),
    architecture=ReportSpec(),
    game=AS_WRITTEN.replace(
        objective="report", gradient_penalty_weight=25.0, one_sided_penalty=True, gradient_clip=0.5
    ),
    augment=NO_AUGMENTATION,
    loop=LoopSpec(minutes=40.0, batch=8),
)
CONDITIONAL = REPORT.replace(
    recipe="report_conditional",
    architecture=ReportSpec(latent_size=256, has_encoder=True),
    game=REPORT.game.replace(reconstruction_weight=10.0),
)
RECIPES = (
    Recipe("the report's GAN as it was meant", REPORT),
    Recipe(
        "the report's GAN as it was written, mistakes included",
        REPORT.replace(recipe="report_as_written", game=AS_WRITTEN),
    ),
    Recipe("the report's earlier form: variations of a given sound", CONDITIONAL),
)
