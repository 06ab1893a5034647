"""Ways in which people ask for each thing, to teach the classifier: (dimension, level, template) with slots.

Own phrasings only. A slot {name} is filled from ``SLOTS``; {n}, {m}, {k} are numbers of the level's size. What is held
out is held out by template: a classifier that has seen a template's other fillings has seen the answer.
"""

# ruff: noqa: E501 (a template is one line, as a prompt is)
from __future__ import annotations

from random import Random

SLOTS: dict[str, list[str]] = {
    "who": ["Anna", "Ben", "Carla", "Deniz", "Emil", "Farah", "Goran", "Hana"],
    "thing": ["apples", "tickets", "stamps", "bottles", "marbles", "pages", "screws", "euros"],
    "place": ["Lisbon", "Kenya", "Peru", "Iceland", "Osaka", "the Nile", "Norway", "Quebec"],
    "topic": ["volcanoes", "the Roman Republic", "photosynthesis", "jazz", "black holes", "chess", "vaccines", "inflation"],
    "product": ["a kettle", "a bicycle", "a phone", "a desk lamp", "running shoes", "a backpack"],
    "lang": ["French", "German", "Spanish", "Italian", "Polish", "Turkish", "Portuguese", "Dutch"],
    "plang": ["Python", "JavaScript", "Java", "Rust", "Go", "C", "TypeScript", "SQL"],
    "job": ["reverses a string", "merges two sorted lists", "counts the vowels in a text", "finds the longest common prefix",
            "checks whether brackets are balanced", "removes duplicates but keeps the order", "parses a date", "computes a checksum"],
    "hardjob": ["solves the knapsack problem", "finds the shortest path in a weighted graph", "implements an LRU cache with expiry",
                "evaluates arithmetic expressions with parentheses", "finds all permutations that satisfy the constraints"],
    "bad": ["for i in range(len(xs) + 1):\n    total += xs[i]", "def mean(xs):\n    return sum(xs) / len(x)",
            "while left < right:\n    mid = (left + right) / 2", "if x = 3:\n    print(x)", "let s = 0;\nfor (let i = 0; i <= a.length; i++) s += a[i];"],
    "note": ["The meeting with Mr. Okafor was moved from 3 May to 9 May and costs 450 euros.",
             "Our office in Ghent closed in 2019; the team of 12 moved to Antwerp under Lena Maes.",
             "Order 88213 left the warehouse on Tuesday and reached Ms. Silva two days later.",
             "The river rose by 2.4 metres after the storm, said the mayor, Jonas Falk, on Sunday.",
             "Dr. Weber prescribed 20 mg twice a day and asked for a check-up in six weeks."],
    "color": ["red", "blue", "green", "black", "white"], "style": ["formal", "friendly", "plain", "persuasive", "neutral"],
    "sport": ["tennis", "rowing", "judo", "handball", "fencing"],
}  # fmt: skip

FRENCH = [
    "Quelle est la capitale du pays et combien d'habitants compte-t-elle ?",
    "Expliquez-moi comment fonctionne une banque.",
]
OTHER = [
    "Wie viele Bundesländer hat das Land, und welches ist das größte?", "Erkläre mir bitte, warum der Himmel blau ist.",
    "¿Cuál es el río más largo de la región y por dónde pasa?", "Escribe una frase sobre la amistad y el tiempo.",
    "Qual è la differenza tra un avvocato e un notaio?", "Kun je uitleggen hoe een fiets werkt?",
    "Jakie są trzy największe miasta i dlaczego są ważne?", "Explique por que a água do mar é salgada, por favor.",
    "日本で一番高い山は何ですか。", "请解释一下为什么天空是蓝色的。", "Почему зимой дни короче, чем летом?", "ما هي عاصمة البلاد وكم عدد سكانها؟",
    "सबसे लंबी नदी कौन सी है?", "Türkiye'nin en kalabalık şehri hangisidir ve neden?",
]  # fmt: skip

TEMPLATES: tuple[tuple[str, int, str], ...] = (
    ("reason.math", 1, "What is {n} + {m}?"),
    ("reason.math", 1, "Compute {n} - {k}."),
    ("reason.math", 2, "{who} has {n} {thing} and buys {m} more. How many {thing} does {who} have?"),
    ("reason.math", 2, "Calculate {n} * {m} and give only the number."),
    ("reason.math", 3, "A shop sells {thing} at {n} dollars each. With a discount of {k} percent, what do {m} of them cost?"),
    ("reason.math", 3, "Solve for x: {n}x + {m} = {k}."),
    ("reason.math", 3, "{who} walks {n} miles each day for {m} days and rests for {k} days. How far does {who} walk on average per day?"),
    ("reason.math", 4, "A train leaves at {n} km/h and another one {m} minutes later at {k} km/h. After how many hours does the second catch up with the first?"),
    ("reason.math", 4, "{who} spends a third of {n} {thing} on Monday, half of the rest on Tuesday and gives {m} to {who2}. If {who2} then returns {k}, how many are left in total?"),
    ("reason.math", 4, "What is the probability of drawing two {color} balls from an urn with {n} {color} and {m} other balls, without replacement?"),
    ("reason.math", 5, "Find all integer solutions of x^2 - {n}y^2 = {m} with 0 < x < {k}. Show your steps."),
    ("reason.math", 5, "Prove that the sum of the first n odd numbers is n^2, then evaluate it for n = {n} modulo {m}."),
    ("reason.math", 5, "Evaluate the integral of x^{k} * sin({n}x) from 0 to {m} and simplify the result."),
    ("reason.math", 3, "The perimeter of a rectangle is {n} cm and one side is {m} cm. What is its area?"),
    ("reason.logic", 1, "All {thing} are {color}. This is one of the {thing}. Is it {color}?"),
    ("reason.logic", 2, "{who} is taller than {who2}. {who2} is taller than {who3}. Who is the shortest?"),
    ("reason.logic", 2, "If it rains, the street is wet. The street is not wet. Did it rain? Answer yes or no."),
    ("reason.logic", 3, "Some A are B. All B are C. Does it follow that some A are C? Answer with valid or invalid."),
    ("reason.logic", 3, "Five people stand in a line. {who} is left of {who2}, {who3} is at neither end, and {who2} is second from the right. Who is first?"),
    ("reason.logic", 4, "On an island knights always tell the truth and knaves always lie. {who} says: {who2} is a knave. {who2} says: we are both knights. Who is what?"),
    ("reason.logic", 4, "Premise 1: no {thing} are {color}. Premise 2: every gift is {color}. Conclusion: no gift is one of the {thing}. Is the conclusion valid?"),
    ("reason.logic", 5, "{who}, {who2} and {who3} each own a different pet and drink something different. The cat's owner drinks tea; {who} does not drink tea; {who2} lives next to the dog's owner. Work out who owns which pet."),
    ("reason.logic", 5, "Decide whether the formula (p -> q) and (q -> r) and not r implies not p for every assignment of truth values, and justify each step."),
    ("reason.logic", 3, "Which number comes next in the sequence: {n}, {m}, {k}, ...? Explain the rule."),
    ("reason.logic", 4, "Four cards show A, D, 4 and 7. Which cards must you turn over to test the rule that a vowel has an even number on its back?"),
    ("reason.logic", 2, "Exactly one of these boxes holds the prize. The {color} box says: it is not here. Only one label is true. Which box is it?"),
    ("know.general", 1, "What is the capital of {place}?"),
    ("know.general", 1, "Which planet is closest to the sun?"),
    ("know.general", 2, "Who invented the telephone, and when?"),
    ("know.general", 2, "In which year did people first reach the South Pole?"),
    ("know.general", 3, "What is {topic}? Explain it briefly."),
    ("know.general", 3, "Tell me about the history of {place}."),
    ("know.general", 3, "Why is {topic} important for people today?"),
    ("know.general", 4, "Which of the following is a cause of {topic}?\nA. pressure\nB. trade\nC. gravity\nD. none of these"),
    ("know.general", 4, "What are the side effects of the most common treatment, and which patients should not take it?"),
    ("know.general", 5, "Under which doctrine would a court decide whether the contract binds a third party, and what are its elements?"),
    ("know.general", 5, "Describe the mechanism by which the enzyme is inhibited and name the residue in its active site."),
    ("know.general", 2, "How many players are in a {sport} team?"),
    ("know.general", 3, "Compare {topic} with {topic2} and name two differences."),
    ("know.general", 4, "Who wrote the treaty that ended the war around {place}, and what did it change?"),
    ("code.write", 1, "Write a {plang} function that {job}."),
    ("code.write", 2, "Implement a function in {plang} which {job}. Return only the code."),
    ("code.write", 2, "def solve(xs):\n    \"\"\"Return a version of xs that {job}.\"\"\"\nComplete the function."),
    ("code.write", 3, "Create a small {plang} script that reads a file line by line and {job}, with error handling."),
    ("code.write", 3, "Can you code me a class for a queue with push, pop and size in {plang}?"),
    ("code.write", 4, "Write a program that {hardjob}. It must run in O(n log n) and pass hidden tests."),
    ("code.write", 4, "I need a {plang} module which {hardjob}; include type hints and unit tests."),
    ("code.write", 5, "Design and implement in {plang} a thread-safe library that {hardjob}, with streaming input of unbounded size."),
    ("code.write", 2, "Give me a regular expression that matches an e-mail address, and use it in {plang}."),
    ("code.write", 3, "Write an SQL query that lists for each customer the total of the last {n} orders."),
    ("code.write", 1, "How do I print the numbers from 1 to {n} in {plang}? Show the code."),
    ("code.write", 4, "Given an array of integers, return the length of the longest increasing subsequence. Write the solution in {plang}."),
    ("code.fix", 1, "This code raises an error. Fix it:\n```\n{bad}\n```"),
    ("code.fix", 2, "Why does this fail, and what is the correct version?\n```\n{bad}\n```"),
    ("code.fix", 2, "There is a bug in the following {plang} function. Find and repair it.\n```\n{bad}\n```"),
    ("code.fix", 3, "My tests fail with IndexError. Please correct the loop:\n\n{bad}\n\nReturn the whole fixed function."),
    ("code.fix", 3, "Traceback (most recent call last):\n  File \"main.py\", line {n}\nTypeError: unsupported operand\nHere is my code: `{bad}` What is wrong?"),
    ("code.fix", 4, "The following returns wrong results for negative numbers and empty input; debug it and keep its interface.\n```\n{bad}\n```"),
    ("code.fix", 5, "This service deadlocks under load about once a day. Explain the race and fix the locking.\n```\n{bad}\n```"),
    ("code.fix", 2, "I get a syntax error here, help me correct it: {bad}"),
    ("code.fix", 3, "Review and fix this broken snippet so that all asserts pass:\n{bad}\nassert f([1, 2]) == 3"),
    ("code.fix", 4, "Repair the function without changing its signature. Failing test: expected {n}, got {m}.\n```\n{bad}\n```"),
    ("tool.select", 1, "You can use these tools: weather(city), calculator(expression). Which tool do you call for: how warm is it in {place}?"),
    ("tool.select", 2, "Available functions: send_email, search_flights, create_event. The user says: book me a flight to {place}. Choose the right function."),
    ("tool.select", 3, "Pick the best tool among search_web, read_file, run_sql and translate for the request: how many orders came in last week?"),
    ("tool.select", 4, "Given the API list [get_user, list_orders, refund_order, ship_order, get_stock], decide which call comes first to answer {who}'s complaint."),
    ("tool.select", 2, "Tools: timer, alarm, calendar. Request: wake me at {n}. Name the tool to use."),
    ("tool.select", 5, "From these twelve tools select the one that answers the question with the fewest calls, and name it only: tools search, fetch, crawl, index, embed, rank."),
    ("tool.args", 1, "Call weather(city, unit) for {place} in Celsius."),
    ("tool.args", 2, "Use the tool create_event(title, date, start, minutes) to plan a {sport} lesson on 3 May at {n} for {m} minutes."),
    ("tool.args", 3, "Produce the function call with correct arguments: book_room(city: str, nights: int, guests: int). {who} and three friends stay {k} nights in {place}."),
    ("tool.args", 4, "Fill the parameters of transfer(from_account, to_account, amount, currency, memo) from this message: {note}"),
    ("tool.args", 2, "Invoke convert(amount, source, target) to change {n} dollars to euros."),
    ("tool.args", 5, "Emit the tool call update_order(id, items=[{sku, quantity}], address={street, zip}) for what the customer wrote: {note}"),
    ("tool.abstain", 2, "You have the tool weather(city). Only call it if it is needed. Question: who wrote Hamlet?"),
    ("tool.abstain", 3, "Tools: calculator(expression). If no tool fits, answer directly without calling any. What colour is the sky?"),
    ("tool.abstain", 3, "Do not call a function unless the user asks for something it does. Functions: send_email(to, body). User: thanks, that was all!"),
    ("tool.abstain", 4, "Given only the tool get_stock_price(symbol), reply to: what is {topic}? Say so if no tool applies."),
    ("tool.abstain", 2, "Decide whether any of the tools search_flights, book_hotel is relevant here, otherwise say none: tell me a joke."),
    ("format.json", 1, "Return a JSON object with the keys name and age for: {who}, {n} years old."),
    ("format.json", 2, "Describe {product} as JSON with the fields title, price and tags. Output only valid JSON."),
    ("format.json", 2, "Answer as JSON: {{\"city\": ..., \"country\": ...}} for {place}."),
    ("format.json", 3, "Convert this note to a JSON array of objects with person, date and amount, following the schema: {note}"),
    ("format.json", 4, "Produce YAML that meets this schema: an object with items (array of objects with id:int, label:string, required) and total:int. Use {n} items."),
    ("format.json", 5, "Generate nested JSON conforming to the schema with oneOf and required properties; every key must be present and no additional properties: {note}"),
    ("format.json", 2, "Give the result as a JSON list of {k} strings about {topic}, no other text."),
    ("format.json", 3, "Fill this JSON template from the text, with null where a value is missing. {{\"who\": null, \"when\": null}} Text: {note}"),
    ("format.json", 1, "Output {{\"answer\": true}} or {{\"answer\": false}} as JSON: is {place} a country?"),
    ("format.constraints", 1, "Write one sentence about {topic} in lowercase letters only."),
    ("format.constraints", 2, "Describe {topic} in exactly {k} words."),
    ("format.constraints", 2, "List {k} facts on {topic} as bullet points, each starting with a capital letter."),
    ("format.constraints", 3, "Write a paragraph about {place} with exactly three sentences, without using the letter e."),
    ("format.constraints", 3, "Answer in at most {n} words, use no commas, and end with the word done: what is {topic}?"),
    ("format.constraints", 4, "Compose a poem on {topic} with four lines where each line begins with the letter S and has at least {k} words."),
    ("format.constraints", 5, "Write {k} paragraphs separated by ***; the second must start with Although, include the keywords {color} and {thing} twice, and avoid the word very."),
    ("format.constraints", 2, "Reply with a title wrapped in double angular brackets, then one line on {product}."),
    ("format.constraints", 3, "Your whole answer must be in capital letters and contain no more than {k} sentences. Topic: {sport}."),
    ("format.constraints", 1, "Repeat the word {color} exactly {k} times, separated by spaces."),
    ("text.extract", 1, "Who is mentioned in this text? {note}"),
    ("text.extract", 1, "Extract the date from: {note}"),
    ("text.extract", 2, "List all names and amounts that appear in the following text.\n\n{note} {note2}"),
    ("text.extract", 2, "According to the passage, what happened first?\n{note}\n{note2}"),
    ("text.extract", 3, "Read the text and answer the question with a quote from it.\nText: {note} {note2} {note3}\nQuestion: when did it happen?"),
    ("text.extract", 3, "Find every number in the message below and say what it refers to:\n{note} {note2}"),
    ("text.extract", 4, "From the report below identify people, places and organisations, and link each to its role.\n{note} {note2} {note3}"),
    ("text.extract", 5, "Extract all obligations, their deadlines and the party that bears them from this contract, including implied ones: {note} {note2} {note3}"),
    ("text.extract", 2, "Is the sentiment of this review positive or negative? I bought {product} and it broke after {k} days."),
    ("text.extract", 2, "Classify the message as complaint, question or praise: {note}"),
    ("text.extract", 3, "Which of the facts in the article concern money? Article: {note} {note2}"),
    ("text.transform", 1, "Sort these words alphabetically: {thing}, {color}, {sport}, kettle"),
    ("text.transform", 1, "Write this in capital letters: {note}"),
    ("text.transform", 2, "Summarize in one sentence: {note} {note2}"),
    ("text.transform", 2, "Rewrite this in a {style} tone: {note}"),
    ("text.transform", 3, "Shorten the following text to half its length and keep all numbers.\n{note} {note2} {note3}"),
    ("text.transform", 3, "Paraphrase: {note}"),
    ("text.transform", 4, "Turn these notes into a {style} e-mail to {who}: {note} {note2}"),
    ("text.transform", 2, "Replace every number in the sentence by a hash sign. {note}"),
    ("text.transform", 2, "Reverse the order of the words: {note}"),
    ("text.transform", 5, "Merge the two accounts below into one consistent narrative in the past tense and resolve contradictions.\n1) {note}\n2) {note2}"),
    ("text.transform", 1, "Correct the spelling: the metting was mooved to tusday"),
    ("text.transform", 3, "Change the passage from first person to third person and from present to past: I sell {thing} and I like {sport}."),
    ("lang.multi", 1, "How do you say good morning in {lang}?"),
    ("lang.multi", 2, "Translate into {lang}: {note}"),
    ("lang.multi", 2, "Translate this sentence from English to {lang} and to {lang2}: where is the station?"),
    ("lang.multi", 3, "Answer in {lang}: what is {topic}?"),
    ("lang.multi", 3, "{foreign}"),
    ("lang.multi", 2, "{foreign} {foreign2}"),
    ("lang.multi", 4, "{foreign} Answer in {lang}."),
    ("lang.multi", 3, "{french}"),
    ("lang.multi", 4, "Explain the difference between these {lang} words and give an example sentence for each."),
    ("lang.multi", 5, "Translate the idiom it is raining cats and dogs into {lang} with an equivalent idiom and explain its origin in {lang2}."),
    ("agent.multiturn", 2, "First look up the weather in {place}, then, if it is dry, book a {sport} court and tell me the time."),
    ("agent.multiturn", 3, "Plan a trip to {place}: search flights, compare hotels, reserve the cheapest and send {who} the confirmation."),
    ("agent.multiturn", 3, "Use the tools step by step: open the file, find the customer, update the address, and report when done."),
    ("agent.multiturn", 4, "Act as an agent that resolves the ticket: ask for what is missing, check the order, refund if the policy allows, and close it."),
    ("agent.multiturn", 5, "Keep working with the browser and the shell until all tests of the repository pass; after each step decide what to do next."),
    ("agent.multiturn", 4, "Over several turns negotiate a date with {who} and {who2} by calendar and mail, then create the event and notify both."),
)  # fmt: skip
_SIZES = {1: (2, 20), 2: (3, 60), 3: (4, 300), 4: (7, 900), 5: (11, 5000)}


def filled(template: str, level: int, rng: Random) -> str:
    """The template with its slots filled."""
    low, high = _SIZES[level]
    values = {name: str(rng.randint(low, high)) for name in ("n", "m")} | {"k": str(rng.randint(2, 12))}
    for name, choices in {**SLOTS, "foreign": OTHER, "french": FRENCH}.items():
        picks = rng.sample(choices, min(3, len(choices)))
        values |= {f"{name}{place or ''}": pick for place, pick in zip((0, 2, 3), picks, strict=False)}
    text = template.replace("{{", "\0").replace("}}", "\1")
    for name, value in values.items():
        text = text.replace("{" + name + "}", value)
    return text.replace("\0", "{").replace("\1", "}")


def prompts(rng: Random, each: int) -> list[tuple[int, str, int, str]]:
    """(template's number, dimension, level, prompt), ``each`` fillings of every template."""
    openings = ("", "", "", "Please help. ", "Hi! ", "Question: ", "Task: ", "I would like to know: ")
    return [
        (number, dim, level, rng.choice(openings) + filled(template, level, rng))
        for number, (dim, level, template) in enumerate(TEMPLATES)
        for _ in range(each)
    ]
