"""What the sign says, in the languages it is written in. Plain words, for people who walk past."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Words:
    """Hold one language: its name, the title, what is done, the limits, the choice, and the words around the rest."""

    name: str
    title: str
    lines: tuple[str, ...]
    choice: str
    ask: str
    more: str
    purposes: str
    recognise: str
    signature: str
    record: str
    stream: str


WORDS: Final[dict[str, Words]] = {
    "en": Words(
        "English",
        "Movement is read here",
        (
            "A computer follows how people move and works out which acted emotion the movement resembles.",
            "It does not know what anyone feels.",
            "Only those who have agreed are read. Others in view are passed over.",
            "No picture is kept or sent.",
        ),
        "You may say no, now or later, without giving a reason.",
        "Ask",
        "More",
        "What for",
        "read apparent expression",
        "compare ways of moving",
        "record the movement",
        "pass it on to the show",
    ),
    "de": Words(
        "Deutsch",
        "Hier wird Bewegung gelesen",
        (
            "Ein Computer verfolgt, wie Menschen sich bewegen, und ermittelt, welchem gespielten Gefühl das ähnelt.",
            "Was jemand fühlt, weiß er nicht.",
            "Gelesen wird nur, wer zugestimmt hat. Andere im Bild werden übergangen.",
            "Es wird kein Bild gespeichert oder gesendet.",
        ),
        "Sie können jederzeit Nein sagen, jetzt oder später, ohne Begründung.",
        "Fragen an",
        "Mehr",
        "Wozu",
        "scheinbaren Ausdruck lesen",
        "Bewegungsweisen vergleichen",
        "die Bewegung aufzeichnen",
        "an die Aufführung weitergeben",
    ),
    "fr": Words(
        "Français",
        "Ici, le mouvement est lu",
        (
            "Un ordinateur suit comment les gens bougent et cherche à quelle émotion jouée le mouvement ressemble.",
            "Il ne sait pas ce que quelqu’un ressent.",
            "Seules les personnes qui ont accepté sont lues. Les autres sont ignorées.",
            "Aucune image n’est gardée ni envoyée.",
        ),
        "Vous pouvez dire non, maintenant ou plus tard, sans donner de raison.",
        "Questions",
        "En savoir plus",
        "Pour quoi faire",
        "lire l’expression apparente",
        "comparer des façons de bouger",
        "enregistrer le mouvement",
        "le transmettre au spectacle",
    ),
    "es": Words(
        "Español",
        "Aquí se lee el movimiento",
        (
            "Un ordenador sigue cómo se mueven las personas y calcula a qué emoción actuada se parece el movimiento.",
            "No sabe lo que siente nadie.",
            "Solo se lee a quien ha dado su acuerdo. A los demás se los pasa por alto.",
            "No se guarda ni se envía ninguna imagen.",
        ),
        "Puede decir que no, ahora o más tarde, sin dar razones.",
        "Preguntas",
        "Más",
        "Para qué",
        "leer la expresión aparente",
        "comparar formas de moverse",
        "grabar el movimiento",
        "pasarlo al espectáculo",
    ),
    "it": Words(
        "Italiano",
        "Qui si legge il movimento",
        (
            "Un computer segue come si muovono le persone e calcola a quale emozione recitata somiglia il movimento.",
            "Non sa che cosa prova qualcuno.",
            "Si legge solo chi ha acconsentito. Gli altri vengono ignorati.",
            "Nessuna immagine viene conservata o inviata.",
        ),
        "Potete dire di no, adesso o più tardi, senza dare spiegazioni.",
        "Domande",
        "Di più",
        "A che scopo",
        "leggere l’espressione apparente",
        "confrontare modi di muoversi",
        "registrare il movimento",
        "passarlo allo spettacolo",
    ),
    "nl": Words(
        "Nederlands",
        "Hier wordt beweging gelezen",
        (
            "Een computer volgt hoe mensen bewegen en bepaalt op welke gespeelde emotie de beweging lijkt.",
            "Hij weet niet wat iemand voelt.",
            "Alleen wie heeft ingestemd wordt gelezen. Anderen in beeld worden overgeslagen.",
            "Er wordt geen beeld bewaard of verzonden.",
        ),
        "U mag nee zeggen, nu of later, zonder een reden te geven.",
        "Vragen",
        "Meer",
        "Waarvoor",
        "schijnbare uitdrukking lezen",
        "manieren van bewegen vergelijken",
        "de beweging opnemen",
        "doorgeven aan de voorstelling",
    ),
    "pt": Words(
        "Português",
        "Aqui lê-se o movimento",
        (
            "Um computador segue como as pessoas se movem e calcula com que emoção representada o movimento se parece.",
            "Não sabe o que alguém sente.",
            "Só é lido quem concordou. Os outros são ignorados.",
            "Nenhuma imagem é guardada nem enviada.",
        ),
        "Pode dizer não, agora ou mais tarde, sem dar razões.",
        "Perguntas",
        "Mais",
        "Para quê",
        "ler a expressão aparente",
        "comparar formas de se mover",
        "gravar o movimento",
        "passá-lo ao espetáculo",
    ),
    "pl": Words(
        "Polski",
        "Tutaj odczytuje się ruch",
        (
            "Komputer śledzi, jak ludzie się poruszają, i oblicza, do jakiej odgrywanej emocji ruch jest podobny.",
            "Nie wie, co kto czuje.",
            "Odczytywane są tylko osoby, które się zgodziły. Inne są pomijane.",
            "Żaden obraz nie jest zapisywany ani wysyłany.",
        ),
        "Można odmówić, teraz lub później, bez podania powodu.",
        "Pytania",
        "Więcej",
        "Po co",
        "odczytanie pozornego wyrazu",
        "porównanie sposobów poruszania się",
        "zapis ruchu",
        "przekazanie go do przedstawienia",
    ),
}
