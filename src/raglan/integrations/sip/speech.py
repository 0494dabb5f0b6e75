"""Words as sound for a telephone line, by espeak-ng and sox. Text goes in by standard input, never by a shell."""

import subprocess
import wave
from pathlib import Path

from raglan.core.errors import DeliveryError

MOST_S = 75
PATIENCE_S = 8


def speak(words: str, into: Path, *, voice: str, times: int = 1) -> float:
    """Write a file of 8 kHz sound that says the words, with a pause before and after; return its length in seconds.

    Raises DeliveryError.
    """
    raw = into.with_suffix(".raw.wav")
    sox = ["sox", str(raw), "-r", "8000", "-c", "1", "-b", "16", str(into), "pad", "1", "2"]
    again = ["repeat", str(times - 1)] if times > 1 else []
    try:
        _run(["espeak-ng", "-v", voice, "-s", "145", "--stdin", "-w", str(raw)], words)
        _run([*sox, *again, "trim", "0", str(MOST_S)])
    except (OSError, subprocess.SubprocessError) as error:
        raise DeliveryError(f"the words could not be spoken: {type(error).__name__}", permanent=False) from None
    with wave.open(str(into)) as sound:
        return float(sound.getnframes() / sound.getframerate())


def _run(command: list[str], text: str = "") -> None:
    subprocess.run(command, input=text.encode(), check=True, capture_output=True, timeout=PATIENCE_S)
